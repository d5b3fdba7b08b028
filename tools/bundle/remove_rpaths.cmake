# cmake -P remove_rpaths.cmake FILE...: takes the paths of the machine they were built for out of libraries. A library that
# has one of its own does not look where the program's says.
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(i RANGE 3 ${last})
  file(RPATH_REMOVE FILE "${CMAKE_ARGV${i}}")
endforeach()
