# Builds the library of KERNELS, a directory that normagen compile has written, in BUILD and installs it to PREFIX.
# cmake -DKERNELS=... -DBUILD=... -DPREFIX=... -DSHARED=ON|OFF -DJOBS=... -DMAKE_PROGRAM=NINJA|MAKE
#       [-DCMAKE_C_COMPILER=...] [-DCMAKE_CXX_COMPILER=...] [-DTOOLCHAIN=...] [-DTOOL=OBJECT] -P THIS
set(options "")
foreach(language C CXX)
    if(CMAKE_${language}_COMPILER)
        list(APPEND options "-DCMAKE_${language}_COMPILER=${CMAKE_${language}_COMPILER}")
    endif()
endforeach()
if(TOOLCHAIN)
    list(APPEND options "-DCMAKE_TOOLCHAIN_FILE=${TOOLCHAIN}")
endif()
set(generator "Unix Makefiles")
if(MAKE_PROGRAM MATCHES "ninja[^/]*$")
    set(generator Ninja)
endif()
function(run)
    execute_process(COMMAND "${CMAKE_COMMAND}" ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()
run(-S "${CMAKE_CURRENT_LIST_DIR}/.." -B "${BUILD}" -G "${generator}" "-DCMAKE_MAKE_PROGRAM=${MAKE_PROGRAM}" ${options}
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_LIBDIR=lib "-DNORMA_KERNELS=${KERNELS}" -DNORMA_SHARED=${SHARED}
    "-DNORMA_TOOL=${TOOL}")
run(--build "${BUILD}" --parallel ${JOBS})
run(--install "${BUILD}" --prefix "${PREFIX}")
