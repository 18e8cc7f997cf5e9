// libportguard-diagnosis.so: loaded at the first thing worth telling.
#pragma once

#include "core/seam.h"
#include "core/text.h"

namespace portguard::diagnosis_module {

/// Passes the request on. False: the module cannot be had, or cannot serve it.
bool serve(SeamRequest& request);

/// After serve() has found that the module cannot be loaded: adds why, once a process.
void print_why_missing(TextWriter& line);

} // namespace portguard::diagnosis_module
