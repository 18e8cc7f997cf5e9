// Where the command finds the guard, and what it says where it does not.
#include <filesystem>
#include <regex>
#include <set>

#include "core/helper_place.h"
#include "tools/support/command.h"

namespace portguard::test {
namespace {

Finished run_env_with(const std::string& command, const std::string& folder = "") {
    return run_process(
        {.argv = {command, "run", "env"}, .environment = {"PORTGUARD_CONFIG=/dev/null"}, .folder = folder});
}

Words preloads_of(const Finished& finished) {
    return preload_entries(variable_in(finished.out, "LD_PRELOAD"));
}

TEST(Layout, TheBuildTreeHasTheGuardInLib) {
    EXPECT_EQ(preloads_of(run_env_with(PORTGUARD_COMMAND)), Words{own_preload_entry()});
}

TEST(Layout, AnInstallationCanBeMoved) {
    const InstalledCopy copy("moved/here");
    const Finished finished = run_env_with(copy.command());
    EXPECT_EQ(preloads_of(finished), Words{copy.shim()}) << finished;
    EXPECT_EQ(finished.err, "");
}

TEST(Layout, CmakeInstallsCommandAndGuardTogether) {
    const TemporaryFolder folder;
    const Finished installed = run_process(
        {.argv = {PORTGUARD_CMAKE, "--install", PORTGUARD_BUILD_FOLDER, "--prefix", folder.path().string()}});
    ASSERT_TRUE(installed.exited_with(0)) << installed;
    const Finished finished = run_env_with(folder.file("bin/portguard"));
    ASSERT_TRUE(finished.exited_with(0)) << finished;
    const std::filesystem::path shim = preloads_of(finished).front();
    EXPECT_TRUE(shim.string().starts_with(folder.path().string())) << finished;
    const std::filesystem::path library = std::filesystem::canonical(shim);
    // Packagers want no executable among the libraries.
    EXPECT_TRUE(std::filesystem::exists(library.parent_path() / PORTGUARD_HELPER_FOLDER "/portguard-explain"))
        << finished;
    EXPECT_FALSE(std::filesystem::exists(library.parent_path() / "portguard-explain")) << finished;
    EXPECT_EQ(finished.err, "");
}

/// Below `folder`, each with the file's type.
std::set<std::string> files_below(const std::filesystem::path& folder) {
    std::set<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        found.insert(std::filesystem::relative(entry.path(), folder).string() +
                     (entry.is_directory() ? "/" : ""));
    }
    return found;
}

TEST(Layout, IsTheSameWhereThePrefixIsNamedAfterTheFact) {
    const TemporaryFolder folder;
    const std::string staged = folder.file("staged");
    const Finished configured = run_process({.argv = {PORTGUARD_CMAKE, "--install", PORTGUARD_BUILD_FOLDER},
                                             .environment = {"DESTDIR=" + staged}});
    ASSERT_TRUE(configured.exited_with(0)) << configured;
    const Finished named = run_process(
        {.argv = {PORTGUARD_CMAKE, "--install", PORTGUARD_BUILD_FOLDER, "--prefix", folder.file("named")}});
    ASSERT_TRUE(named.exited_with(0)) << named;
    const std::set<std::string> files = files_below(folder.file("named"));
    EXPECT_EQ(files_below(staged + PORTGUARD_INSTALL_PREFIX), files);
    EXPECT_TRUE(files.contains("bin/portguard"));
}

TEST(Layout, OfHalfABuildNothingIsInstalledAndSaysWhatToBuild) {
    const TemporaryFolder folder;
    const std::string build = folder.file("build");
    const Finished configured = run_process(
        {.argv = {PORTGUARD_CMAKE, "-S", PORTGUARD_SOURCE_FOLDER, "-B", build, "-DPORTGUARD_TESTS=OFF"}});
    ASSERT_TRUE(configured.exited_with(0)) << configured;
    const Finished finished =
        run_process({.argv = {PORTGUARD_CMAKE, "--install", build, "--prefix", folder.file("prefix")}});
    EXPECT_TRUE(finished.exited_with(1)) << finished;
    // CMake breaks its lines where they are long.
    const std::string said = std::regex_replace(finished.err, std::regex("\\s+"), " ");
    EXPECT_NE(said.find("libportguard.so is not built"), std::string::npos) << finished;
    EXPECT_NE(said.find("cmake --build " + build), std::string::npos) << finished;
    EXPECT_FALSE(std::filesystem::exists(folder.file("prefix")));
}

TEST(Layout, TheCommandMayBeCalledByARelativePath) {
    const InstalledCopy copy;
    EXPECT_EQ(preloads_of(run_env_with("bin/portguard", copy.folder().path())), Words{copy.shim()});
    EXPECT_EQ(preloads_of(run_env_with("./portguard", copy.folder().file("bin"))), Words{copy.shim()});
}

TEST(Layout, TheCommandMayBeCalledThroughASymbolicLink) {
    const InstalledCopy copy;
    const std::string link = copy.folder().file("link");
    std::filesystem::create_symlink(copy.command(), link);
    EXPECT_EQ(preloads_of(run_env_with(link)), Words{copy.shim()});
}

TEST(Layout, AMissingGuardIsSaidAndNothingStarts) {
    const InstalledCopy copy;
    std::filesystem::remove(copy.shim());
    const Finished finished = run_env_with(copy.command());
    const std::string folder = copy.folder().file("lib");
    EXPECT_TRUE(refused_with(finished, 3, {folder, "libportguard.so' is missing", "install it again"}));
}

TEST(Layout, APathThatLdPreloadCannotExpressIsSaid) {
    for (const char* const name : {"with space", "with:colon", "with$LIB"}) {
        const InstalledCopy copy(name);
        const Finished finished = run_env_with(copy.command());
        EXPECT_TRUE(refused_with(finished, 3, {copy.shim(), "LD_PRELOAD"}));
    }
}

} // namespace
} // namespace portguard::test
