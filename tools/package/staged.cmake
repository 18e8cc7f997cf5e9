# Run by CPack on the files that it is about to pack.
if(NOT CPACK_GENERATOR STREQUAL "TZST")
    file(GLOB pages "${CPACK_TEMPORARY_INSTALL_DIRECTORY}${CPACK_PACKAGING_INSTALL_PREFIX}/share/man/man*/*")
    file(GLOB changes "${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share/doc/portguard/changelog")
    execute_process(COMMAND gzip --best --no-name ${pages} ${changes} COMMAND_ERROR_IS_FATAL ANY)
endif()
if(CPACK_GENERATOR STREQUAL "RPM")
    # Where Debian has no loader that takes $LIB for lib, Fedora's of i386 does.
    set(libraries "${CPACK_TEMPORARY_INSTALL_DIRECTORY}${CPACK_PACKAGING_INSTALL_PREFIX}/lib")
    if(EXISTS ${libraries}/i386-linux-gnu/libportguard.so)
        file(CREATE_LINK ../../i386-linux-gnu/libportguard.so ${libraries}/portguard/lib/libportguard.so SYMBOLIC)
    endif()
endif()
if(CPACK_GENERATOR STREQUAL "TZST")
    # The prefix of an archive is the folder that it is packed in; its `install` knows the real one.
    file(GLOB units "${CPACK_TEMPORARY_INSTALL_DIRECTORY}/lib/systemd/system/*.service")
    execute_process(COMMAND sed --in-place "s|=[^ =]*/bin/portguard |=/bin/portguard |" ${units} COMMAND_ERROR_IS_FATAL ANY)
endif()
# The time of the build would make each package another.
file(GLOB_RECURSE paths LIST_DIRECTORIES TRUE "${CPACK_TEMPORARY_INSTALL_DIRECTORY}/*")
execute_process(COMMAND touch --no-dereference --date=@$ENV{SOURCE_DATE_EPOCH}
                        ${paths} ${CPACK_TEMPORARY_INSTALL_DIRECTORY} COMMAND_ERROR_IS_FATAL ANY)
