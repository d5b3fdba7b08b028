# cmake -P remove_rpaths.cmake FILE...: removes the library paths of the build machine from libraries. A library with
# its own path ignores the path of the program.
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(i RANGE 3 ${last})
  file(RPATH_REMOVE FILE "${CMAKE_ARGV${i}}")
endforeach()
