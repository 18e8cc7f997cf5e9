// Which file the program was started with as descriptor 2: it may re-point it at data of its own later (H08).
#pragma once

namespace portguard::standard_error {

/// At start; one fstat(2).
void remember();

/// Whether reports may go to descriptor 2: it is the file of the start, and one that may hold them
/// (kernel/log_writer.h).
bool is_ours();

} // namespace portguard::standard_error
