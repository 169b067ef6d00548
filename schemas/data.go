package schemas

// Data reads a text as strictly as Decode does and returns it as JSON. It is for documents whose definition is elsewhere,
// such as the forms that people fill in: their reader says what they may hold. The name of the file decides the syntax,
// as in Decode.
func Data(file string, src []byte) ([]byte, error) {
	if len(src) > maxConfig {
		return nil, tooLarge(file, maxConfig)
	}
	root, err := read(file, src)
	if err != nil {
		return nil, err
	}
	return root.appendJSON(nil), nil
}
