# Writes OUTPUT: one SHA-256 of the files EMITTERS, another of these and LOWERERS.
function(digest_of result)
    set(text "")
    foreach(file IN LISTS ARGN)
        file(SHA256 ${file} hash)
        string(APPEND text ${hash})
    endforeach()
    string(SHA256 all "${text}")
    set(${result} ${all} PARENT_SCOPE)
endfunction()

digest_of(emitters ${EMITTERS})
digest_of(all ${EMITTERS} ${LOWERERS})
file(WRITE ${OUTPUT} "// SPDX-License-Identifier: MIT
#include \"generators/normagen/build_digest.h\"

namespace norma {

const char *const emitter_digest = \"${emitters}\";
const char *const compiler_digest = \"${all}\";

}  // namespace norma
")
