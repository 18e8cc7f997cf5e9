// usage: program PORT [COUNT tcp]
// Answers each client of 127.0.0.1:PORT once; or asks there COUNT times, fifty at a time, and prints, as the other clients of the
// load do, "N succeeded, N failed".
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
)

const atATime = 50

func serve(address string) error {
	listener, err := net.Listen("tcp4", address)
	if err != nil {
		return err
	}
	for {
		client, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			request := make([]byte, 512)
			if length, _ := client.Read(request); length > 0 {
				// It stays open until the client, or this program, is gone.
				client.Write([]byte("hello\n"))
				io.Copy(io.Discard, client)
			}
			client.Close()
		}()
	}
}

// Until the server has hung up: the TIME_WAIT is its.
func ask(address string) bool {
	connection, err := net.Dial("tcp4", address)
	if err != nil {
		return false
	}
	defer connection.Close()
	if _, err := connection.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	answer, _ := io.ReadAll(connection)
	return len(answer) > 0
}

func askOften(address string, count int) {
	turns := make(chan bool)
	var all sync.WaitGroup
	var lock sync.Mutex
	succeeded := 0
	for worker := 0; worker < atATime; worker++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for range turns {
				if ask(address) {
					lock.Lock()
					succeeded++
					lock.Unlock()
				}
			}
		}()
	}
	for turn := 0; turn < count; turn++ {
		turns <- true
	}
	close(turns)
	all.Wait()
	fmt.Printf("%d succeeded, %d failed\n", succeeded, count-succeeded)
}

func main() {
	address := "127.0.0.1:" + os.Args[1]
	if len(os.Args) > 2 {
		count, _ := strconv.Atoi(os.Args[2])
		askOften(address, count)
	} else if err := serve(address); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
