// SPDX-License-Identifier: MIT
// The words that a command line takes for a field of a variant, for option parsers and generated tables.
#pragma once

#include <string>
#include <vector>

#include "fields.h"

namespace norma {

std::vector<std::string> names(const Words &words);

// Of the field with this key: those that any variant may have, without none.
std::vector<std::string> words_of(const char *key);

// Of the field in a manifest: those that any variant may have, and the fields that it may follow.
std::vector<std::string> manifest_words(const Field &field);
std::vector<std::string> hidden_words();  // of classes of hidden sizes

// "layer_norm", "layer_norm_backward", ...: those of manifests, a forward without its direction.
std::vector<std::string> op_names();
std::vector<std::string> all_op_names();  // also "layer_norm_forward"

}  // namespace norma
