# Puts the table of options into tools/options.md, between its two markers: `cmake --build --preset dev --target
# options_page`. Its test says so where the two differ.
execute_process(COMMAND ${COMMAND} config --markdown OUTPUT_VARIABLE table COMMAND_ERROR_IS_FATAL ANY)
file(READ ${PAGE} page)
string(FIND "${page}" "<!-- options -->\n" start)
string(FIND "${page}" "<!-- /options -->" end)
if(start EQUAL -1 OR end EQUAL -1)
    message(FATAL_ERROR "${PAGE} has no <!-- options --> and <!-- /options -->")
endif()
math(EXPR start "${start} + 17")
string(SUBSTRING "${page}" 0 ${start} before)
string(SUBSTRING "${page}" ${end} -1 after)
file(WRITE ${PAGE} "${before}${table}${after}")
