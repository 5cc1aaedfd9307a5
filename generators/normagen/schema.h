// SPDX-License-Identifier: MIT
// What the vocabulary says of manifests, for editors and for people.
#pragma once

#include <string>

namespace norma {

std::string manifest_schema();  // JSON schema of draft 7: manifests/schema.json
std::string manifest_table();   // the fields of an entry, in Markdown: docs/manifest.md

}  // namespace norma
