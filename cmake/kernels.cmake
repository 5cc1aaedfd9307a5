# Compiles the manifest's kernels: one command, since normagen keeps a cache and shows progress of its own.

file(GLOB_RECURSE NORMA_SCHEDULE_DATA CONFIGURE_DEPENDS ${NORMA_TARGET_FILES}/*.json ${NORMA_RECORDS}/*.jsonl)
set(jobs "")
if(NORMA_JOBS)
    set(jobs --jobs ${NORMA_JOBS})
endif()
add_custom_command(
    OUTPUT ${NORMA_KERNELS}/manifest.lock.json ${NORMA_KERNELS}/registry.cpp ${NORMA_KERNELS}/library.h ${NORMA_KERNELS}/library.c ${NORMA_KERNELS}/objects.rsp
    COMMAND normagen compile --target-files ${NORMA_TARGET_FILES} --manifest ${NORMA_MANIFEST} --target ${NORMA_TARGETS} --records ${NORMA_RECORDS} --out ${NORMA_KERNELS} ${jobs}
    COMMAND ${CMAKE_COMMAND} -E touch ${NORMA_KERNELS}/manifest.lock.json ${NORMA_KERNELS}/objects.rsp
    DEPENDS $<TARGET_FILE:normagen> ${NORMA_MANIFEST} ${NORMA_SCHEDULE_DATA}
    COMMENT "Compiling kernels"
    USES_TERMINAL
    VERBATIM)
