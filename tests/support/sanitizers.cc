// Options for the sanitizers, and suppressions for leaks of libraries that are not ours. Linked into every program of a
// sanitizer build, so that it behaves the same in the suite and by hand. Variables such as ASAN_OPTIONS are added to
// them.

// allocator_may_return_null: a test asks for more memory than there is, and reads the message.
// intercept_tls_get_addr: up to GCC 13 this interceptor takes the two words before some thread-local blocks for a
// header of an old glibc, and the leak check at exit then ends the program with "Tracer caught signal 11" and exit
// code 1.
extern "C" const char* __asan_default_options() {
  return "detect_stack_use_after_return=1:allocator_may_return_null=1:intercept_tls_get_addr=0";
}

extern "C" const char* __ubsan_default_options() { return "print_stacktrace=1"; }

extern "C" const char* __tsan_default_options() {
  return "halt_on_error=1:second_deadlock_stack=1:allocator_may_return_null=1";
}

extern "C" const char* __lsan_default_options() { return "print_suppressions=0"; }

// Open MPI and the libraries below it allocate memory once per process and never free it. They are built without frame
// pointers, so the caller of vasprintf is not seen; we do not call it.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libmpi.so\n"
         "leak:libopen-pal.so\n"
         "leak:libopen-rte.so\n"
         "leak:libpmix.so\n"
         "leak:libhwloc.so\n"
         "leak:mca_\n"
         "leak:vasprintf\n";
}

// Keeps plug-ins loaded. Most of these leaks belong to plug-ins of Open MPI, which unloads them at the end, before
// leaks are reported; a leak of unloaded code belongs to no library and would not be suppressed.
extern "C" int dlclose(void*) noexcept { return 0; }
