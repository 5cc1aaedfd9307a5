# What differs between the architectures that the library is compiled for.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
    set(NORMA_ARCHITECTURE x86_64)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    set(NORMA_ARCHITECTURE aarch64)
else()
    message(FATAL_ERROR "CMAKE_SYSTEM_PROCESSOR is \"${CMAKE_SYSTEM_PROCESSOR}\"; expected x86_64 or aarch64")
endif()
