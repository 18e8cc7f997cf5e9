# Packages of what `cmake --install` installs: .deb, .tar.zst, and .rpm where rpmbuild is found.
set(documents ${CMAKE_INSTALL_DATADIR}/doc/portguard)
install(FILES tools/package/copyright DESTINATION ${documents})
install(FILES README.md DESTINATION ${documents})
install(DIRECTORY examples/systemd examples/preload DESTINATION ${documents}/examples USE_SOURCE_PERMISSIONS)

set(CPACK_PACKAGE_NAME portguard)
set(CPACK_PACKAGE_VENDOR portguard)
set(CPACK_PACKAGE_CONTACT "The portguard authors <portguard@portguard.invalid>")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "keeps listen ports and ephemeral ports apart")
set(CPACK_PACKAGE_DESCRIPTION
"A library to preload and a command: outgoing connections stay out of the
ports that servers listen on, a restart passes its own TIME_WAIT, and every
EADDRINUSE is explained with the process that holds the port and what to do.
For programs that nobody can recompile.")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/tools/package/staged.cmake)
set(CPACK_PROJECT_CONFIG_FILE ${PROJECT_SOURCE_DIR}/tools/package/each_generator.cmake)
set(CPACK_PORTGUARD_FILES ${PROJECT_SOURCE_DIR}/tools/package)
# Of the newest change; 0 where there is no git.
execute_process(COMMAND git log -1 --format=%ct WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
                OUTPUT_VARIABLE epoch OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT epoch)
    set(epoch 0)
endif()
set(CPACK_PORTGUARD_EPOCH ${epoch})

set(CPACK_GENERATOR DEB TZST)
find_program(RPMBUILD rpmbuild)
if(RPMBUILD)
    list(APPEND CPACK_GENERATOR RPM)
endif()

set(CPACK_PORTGUARD_ARCHIVE portguard-${PROJECT_VERSION}-${CMAKE_SYSTEM_PROCESSOR})

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
# What the library needs, and nothing above it (tests/preload/exports_test.cpp); the executables are static.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libc6 (>= 2.17)")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/tools/package/triggers
    ${PROJECT_SOURCE_DIR}/tools/package/prerm)

set(CPACK_RPM_FILE_NAME RPM-DEFAULT)
set(CPACK_RPM_PACKAGE_LICENSE MIT)
set(CPACK_RPM_PACKAGE_DESCRIPTION ${CPACK_PACKAGE_DESCRIPTION})
set(CPACK_RPM_PACKAGE_GROUP System/Base)
# It runs beside musl as well, and the names of glibc's packages differ.
set(CPACK_RPM_PACKAGE_AUTOREQ OFF)
set(CPACK_RPM_PRE_UNINSTALL_SCRIPT_FILE ${PROJECT_SOURCE_DIR}/tools/package/prerm)
set(CPACK_RPM_EXCLUDE_FROM_AUTO_FILELIST_ADDITION /usr/share/man /usr/share/man/man1 /usr/share/man/man5
    /usr/lib/systemd /usr/lib/systemd/system /usr/lib/systemd/catalog)
# The same bytes on whichever machine; stripped and compressed is all already (staged.cmake), and to do so again would
# give files the time of the build.
set(CPACK_RPM_SPEC_MORE_DEFINE "%define _build_id_links none
%define __os_install_post %{nil}
%define use_source_date_epoch_as_buildtime 1
%define _buildhost portguard.invalid
%define packager ${CPACK_PACKAGE_CONTACT}")

include(CPack)
