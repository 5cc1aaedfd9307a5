# Writes OUTPUT: the SHA-256 of each of SOURCES, as a table for C++.
set(text "#pragma once\n#include <string_view>\n#include <utility>\n\n")
string(APPEND text "inline constexpr std::pair<std::string_view, std::string_view> source_hashes[] = {\n")
foreach(source IN LISTS SOURCES)
    file(SHA256 ${source} hash)
    string(APPEND text "    {\"${source}\", \"${hash}\"},\n")
endforeach()
string(APPEND text "};\n")
file(WRITE ${OUTPUT} "${text}")
