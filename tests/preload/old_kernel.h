// A kernel before Linux 6.3, for one program: IP_LOCAL_PORT_RANGE is not known.
#pragma once

namespace portguard::test {

/// For Run::before_exec: from here on setsockopt and getsockopt of that option say ENOPROTOOPT.
void pretend_an_old_kernel();

} // namespace portguard::test
