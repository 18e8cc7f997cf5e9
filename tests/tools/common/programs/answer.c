/* Linked in several ways: what matters is its ELF header, and that its exit status is no accident. */
#ifdef WITH_GO_NOTE
/* As the Go linker writes it (cmd/internal/buildid). */
__attribute__((section(".note.go.buildid"), used, aligned(4))) static const struct {
    unsigned name_size, content_size, type;
    char name[4], content[4];
} go_note = {4, 4, 4, "Go", "id"};
#endif

int main(void) {
    return 42;
}
