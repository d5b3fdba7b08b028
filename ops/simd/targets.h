// Include before any Highway header: it sets the instruction sets for which kernels are compiled, AVX2 (the build's
// baseline) and AVX-512. One of them is chosen at run time.
#pragma once

// Highway's AVX2 requires AES instructions, which the baseline -march=x86-64-v3 does not include and the kernels do not
// use; without this line Highway would compile for SSE first.
#define HWY_DISABLE_PCLMUL_AES
