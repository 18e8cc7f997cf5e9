// Where the memory lies that every start writes. Each page touched is a fault more in every exec of the
// wrapped tree (perf record -e page-faults): so all of that stands beside what the loader relocates,
// on one page.
#pragma once

#include <cstddef>

/// For a variable at namespace scope. start_page.ld sees to it that they fit.
#define PORTGUARD_ON_START_PAGE [[gnu::section(".data.start")]]

namespace portguard {

/// The smallest page of the machines we know; on larger ones more fits.
inline constexpr std::size_t start_page_size = 4096;

} // namespace portguard
