/* Debug information, and no .eh_frame. */
int portguard_test_without_eh_frame(void (*take)(void*), void* argument);

int portguard_test_without_eh_frame(void (*take)(void*), void* argument) {
    volatile char kept[200];
    kept[0] = 1;
    take(argument);
    return kept[0];
}
