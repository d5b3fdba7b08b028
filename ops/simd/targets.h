// Include before any Highway header: fixes the instruction sets that kernels are compiled for, AVX2 (the build's
// baseline) and AVX-512, chosen at run time.
#pragma once

// Highway's AVX2 asks for AES instructions too, which the baseline -march=x86-64-v3 does not promise and the kernels do
// not use; without this line it would compile for SSE first.
#define HWY_DISABLE_PCLMUL_AES
