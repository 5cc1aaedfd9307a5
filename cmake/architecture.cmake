# What differs between the architectures that the library is compiled for.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
    set(NORMA_ARCHITECTURE x86_64)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    set(NORMA_ARCHITECTURE aarch64)
else()
    message(FATAL_ERROR "CMAKE_SYSTEM_PROCESSOR is \"${CMAKE_SYSTEM_PROCESSOR}\"; expected x86_64 or aarch64")
endif()

# Of the compiled libraries Debian's cross compilers find the headers alone.
add_library(norma_fmt INTERFACE)
if(CMAKE_CROSSCOMPILING)
    target_compile_definitions(norma_fmt INTERFACE FMT_HEADER_ONLY)
else()
    find_package(fmt REQUIRED)
    target_link_libraries(norma_fmt INTERFACE fmt::fmt)
endif()
