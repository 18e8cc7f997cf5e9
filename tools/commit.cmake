# Writes the commit that is built into a header, where it has changed: run at each build.
# FOLDER: of the sources, HEADER: what is written.
execute_process(COMMAND git -C ${FOLDER} rev-parse --short=12 HEAD
    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE result)
# Sources without their history, or without git.
if(NOT result EQUAL 0)
    set(commit "")
endif()
set(text "#define PORTGUARD_COMMIT \"${commit}\"\n")
set(before "")
if(EXISTS ${HEADER})
    file(READ ${HEADER} before)
endif()
if(NOT text STREQUAL before)
    file(WRITE ${HEADER} "${text}")
endif()
