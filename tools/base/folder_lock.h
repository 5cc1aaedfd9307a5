// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>

namespace norma {

// One program at a time writes a folder. The lock is a file there, which also says whose folder it is: what has it was
// written by normagen.
class FolderLock {
public:
    static constexpr const char *name = ".normagen.lock";

    // Makes the folder, and waits for the program that has it, with a line on stderr that says which. Throws
    // OutputError. `advice` says how to name another folder.
    FolderLock(const std::filesystem::path &folder, const std::string &advice);
    FolderLock(const FolderLock &) = delete;
    FolderLock &operator=(const FolderLock &) = delete;
    ~FolderLock();

    // A program that takes the place of this one has it until it ends.
    void pass_on() const;

private:
    int file_;
};

}  // namespace norma
