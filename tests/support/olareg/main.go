// olareg, on a folder ($1). Prints the address that it listens on.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/olareg/olareg"
	"github.com/olareg/olareg/config"
)

func main() {
	yes := true
	settings := config.Config{
		Storage: config.ConfigStorage{StoreType: config.StoreDir, RootDir: os.Args[1]},
		API:     config.ConfigAPI{DeleteEnabled: &yes, Blob: config.ConfigAPIBlob{DeleteEnabled: &yes}},
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on %s\n", listener.Addr())
	log.Fatal(http.Serve(listener, olareg.New(settings)))
}
