package tests

import (
	"bufio"
	"fmt"
	"io"

	"cdgate.dev/cdgate/evidence"
)

// eachLine calls line for every line of r, with its number from 1; last says that the line is the last one and has no
// end. Errors get the number of the line.
func eachLine(r io.Reader, line func(n int, line []byte, last bool) error) error {
	in := bufio.NewReaderSize(r, 64<<10)
	var long []byte
	for n := 1; ; n++ {
		text, err := in.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			long = append(long[:0], text...)
			for err == bufio.ErrBufferFull {
				if len(long) > evidence.MaxToken {
					return fmt.Errorf("line %d: longer than %d bytes", n, evidence.MaxToken)
				}
				text, err = in.ReadSlice('\n')
				long = append(long, text...)
			}
			text = long
		}
		if err != nil && err != io.EOF {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if len(text) > 0 {
			if lerr := line(n, text, err == io.EOF); lerr != nil {
				return fmt.Errorf("line %d: %w", n, lerr)
			}
		}
		if err == io.EOF {
			return nil
		}
	}
}
