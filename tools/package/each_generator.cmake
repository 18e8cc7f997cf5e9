# Read by CPack once a generator. The time in every archive: the same sources give the same bytes.
if(NOT DEFINED ENV{SOURCE_DATE_EPOCH})
    set(ENV{SOURCE_DATE_EPOCH} ${CPACK_PORTGUARD_EPOCH})
endif()
if(CPACK_GENERATOR STREQUAL "TZST")
    # To be unpacked anywhere: the folders of a prefix, and a script that copies them into one.
    set(CPACK_PACKAGING_INSTALL_PREFIX /)
    set(CPACK_PACKAGE_FILE_NAME ${CPACK_PORTGUARD_ARCHIVE})
    list(APPEND CPACK_INSTALLED_DIRECTORIES ${CPACK_PORTGUARD_FILES}/archive .)
elseif(CPACK_GENERATOR STREQUAL "DEB")
    list(APPEND CPACK_INSTALLED_DIRECTORIES ${CPACK_PORTGUARD_FILES}/debian .)
endif()
