// distribution 2.7.1: its handlers on the config file $1, without the program around them, some of whose libraries
// nobody serves any more. Prints the address that it listens on.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/docker/distribution/configuration"
	"github.com/docker/distribution/context"
	"github.com/docker/distribution/registry/handlers"

	_ "github.com/docker/distribution/registry/auth/htpasswd"
	_ "github.com/docker/distribution/registry/storage/driver/filesystem"
)

func main() {
	file, err := os.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	settings, err := configuration.Parse(file)
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", settings.HTTP.Addr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on %s\n", listener.Addr())
	log.Fatal(http.Serve(listener, handlers.NewApp(context.Background(), settings)))
}
