// Where portguard-explain lies, for the preloaded object and the command.
#pragma once

/// CMake reads it here, too: below the folder of the library, which is for libraries only.
#define PORTGUARD_HELPER_FOLDER "portguard"

namespace portguard {

/// From the library's folder: as it is installed, and where the two files were copied into one folder or
/// built. The first that is there is taken.
inline constexpr char helper_places[][28] = {PORTGUARD_HELPER_FOLDER "/portguard-explain",
                                             "portguard-explain"};

} // namespace portguard
