# Of the compiled libraries Debian's cross compilers find the headers alone.
add_library(norma_fmt INTERFACE)
if(CMAKE_CROSSCOMPILING)
    target_compile_definitions(norma_fmt INTERFACE FMT_HEADER_ONLY)
else()
    find_package(fmt REQUIRED)
    target_link_libraries(norma_fmt INTERFACE fmt::fmt)
endif()
