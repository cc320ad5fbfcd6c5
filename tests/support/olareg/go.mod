module regtui.invalid/olareg

go 1.25.0

require github.com/olareg/olareg v0.1.2

require github.com/opencontainers/go-digest v1.0.0 // indirect
