/* What the static libraries of elfutils 0.192 (Debian 13) call and do not hold: its lib/eu-search.c, which
 * wraps tsearch(3) with a lock (sourceware.org/PR32293, mended in 0.193). Without the lock: this process has
 * one thread. */
#include <search.h>

/* The root is its first member, and a lock follows that nobody else looks at. */
typedef struct {
    void* root;
} search_tree;

typedef int comparison(const void*, const void*);

void* eu_tsearch(const void* key, search_tree* tree, comparison* compare);
void* eu_tfind(const void* key, search_tree* tree, comparison* compare);
void* eu_tdelete(const void* key, search_tree* tree, comparison* compare);
void eu_tdestroy(search_tree* tree, void (*free_node)(void*));
void eu_search_tree_init(search_tree* tree);
void eu_search_tree_fini(search_tree* tree, void (*free_node)(void*));

void* eu_tsearch(const void* key, search_tree* tree, comparison* compare) {
    return tsearch(key, &tree->root, compare);
}

void* eu_tfind(const void* key, search_tree* tree, comparison* compare) {
    return tfind(key, &tree->root, compare);
}

void* eu_tdelete(const void* key, search_tree* tree, comparison* compare) {
    return tdelete(key, &tree->root, compare);
}

void eu_tdestroy(search_tree* tree, void (*free_node)(void*)) {
    tdestroy(tree->root, free_node);
    tree->root = 0;
}

void eu_search_tree_init(search_tree* tree) {
    tree->root = 0;
}

void eu_search_tree_fini(search_tree* tree, void (*free_node)(void*)) {
    eu_tdestroy(tree, free_node);
}
