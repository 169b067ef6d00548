//go:build !unix

package collect

import (
	"errors"
	"os"
)

// openRegular opens a regular file for reading.
func openRegular(root *os.Root, name string) (*os.File, error) {
	info, err := root.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no regular file")
	}
	if err != nil {
		return nil, err
	}
	return root.Open(name)
}
