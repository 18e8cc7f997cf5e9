// A preloaded object with nothing in it: what LD_PRELOAD itself costs.
