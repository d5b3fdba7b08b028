// For test programs that use MPI and are built with the address sanitizer. Open MPI unloads its plug-ins at the end, and
// leaks are looked up after that: those of a plug-in then belong to no known library and no suppression fits them (see
// lsan.supp). A program with this definition, linked with -rdynamic, keeps all plug-ins loaded.
extern "C" int dlclose(void*) noexcept { return 0; }
