// Linked into every program of a sanitizer build, so that it behaves the same whoever starts it: options for the
// sanitizers, and the leaks of libraries that are not ours. Variables such as ASAN_OPTIONS come on top.

// A test asks for more memory than there is, and reads the message.
extern "C" const char* __asan_default_options() {
  return "detect_stack_use_after_return=1:allocator_may_return_null=1";
}

extern "C" const char* __ubsan_default_options() { return "print_stacktrace=1"; }

extern "C" const char* __tsan_default_options() {
  return "halt_on_error=1:second_deadlock_stack=1:allocator_may_return_null=1";
}

extern "C" const char* __lsan_default_options() { return "print_suppressions=0"; }

// Memory that Open MPI and the libraries below it take once per process and never give back. The caller of vasprintf is
// not seen, since they are built without frame pointers; we do not call it.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libmpi.so\n"
         "leak:libopen-pal.so\n"
         "leak:libopen-rte.so\n"
         "leak:libpmix.so\n"
         "leak:libhwloc.so\n"
         "leak:mca_\n"
         "leak:vasprintf\n";
}

// Most of it belongs to plug-ins, which Open MPI unloads at the end. Leaks are looked up after that, and those of code
// that is gone belong to no library: so plug-ins stay.
extern "C" int dlclose(void*) noexcept { return 0; }
