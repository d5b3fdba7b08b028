# Installs libpolyscene_serve for other projects: the library, its headers, a CMake package and a pkg-config file. All
# paths among them are relative, so the prefix may be moved.
install(TARGETS polyscene_serve EXPORT polyscene_serve LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT serve
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
# Removes the build's RPATH, with Open MPI's folder among others: the library needs only system libraries.
install(CODE "file(RPATH_REMOVE FILE \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/$<TARGET_FILE_NAME:polyscene_serve>\")"
        COMPONENT serve)
install(FILES serve/api/polyscene_serve.h serve/api/polyscene_serve.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        COMPONENT serve)

include(CMakePackageConfigHelpers)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/polyscene_serve)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/polyscene_serve-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
install(EXPORT polyscene_serve NAMESPACE polyscene:: FILE polyscene_serve-config.cmake DESTINATION ${package}
        COMPONENT serve)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/polyscene_serve-config-version.cmake DESTINATION ${package} COMPONENT serve)

set(pkgconfig ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH prefix_of_pkgconfig /prefix/${pkgconfig} /prefix)
string(REGEX REPLACE "/$" "" prefix_of_pkgconfig ${prefix_of_pkgconfig})
configure_file(serve/polyscene_serve.pc.in polyscene_serve.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/polyscene_serve.pc DESTINATION ${pkgconfig} COMPONENT serve)
