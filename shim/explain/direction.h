// Which side opened a connection: proved, likely by its ports, or not known. Pure.
#pragma once

#include <vector>

#include "explain/cause_rule.h"

namespace portguard {

enum class Direction { unknown, likely_outgoing, likely_accepted, outgoing, accepted };

struct DirectionJudgement {
    Direction direction = Direction::unknown;
    std::vector<Evidence> evidence;
};

/// Of the decisive holder, a connection or what is left of one.
DirectionJudgement judge_direction(const Case& c);

} // namespace portguard
