//go:build cgo

package main

// Some C, so that the program is linked with libc.

// #include <unistd.h>
import "C"

func init() {
	C.getpid()
}
