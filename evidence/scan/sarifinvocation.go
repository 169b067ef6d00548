package scan

import "cdgate.dev/cdgate/evidence"

// readInvocation reads how the tool ran.
func (s *sarifReader) readInvocation() error {
	place := s.json.Place()
	return s.json.Object(func(name []byte) error {
		switch string(name) {
		case "executionSuccessful":
			ok, err := s.json.Bool()
			if err == nil && !ok {
				s.out.incomplete(place, "the tool says that it failed (executionSuccessful is false)")
			}
			return err
		case "toolExecutionNotifications", "toolConfigurationNotifications":
			return s.json.ArrayOrNull(s.readNotification)
		case "ruleConfigurationOverrides":
			return s.json.ArrayOrNull(s.readOverride)
		}
		return s.json.Other(s.names.invocation, name)
	})
}

func (s *sarifReader) readNotification() error {
	level, text := "", ""
	err := s.json.Object(func(name []byte) (err error) {
		switch string(name) {
		case "level":
			level, err = s.json.StringOrNull()
		case "message":
			text, _, err = s.readMessage()
		default:
			err = s.json.Other(s.names.notification, name)
		}
		return err
	})
	if err == nil && level == "error" {
		s.out.incomplete(s.json.Place(), "the tool reports an error of its own: %s", text)
	}
	return err
}

func (s *sarifReader) readOverride() error {
	var o sarifOverride
	off := false
	err := s.json.Object(func(name []byte) (err error) {
		switch string(name) {
		case "descriptor":
			o.ref, err = s.readReference()
		case "configuration":
			o.level, off, err = s.readConfiguration()
		default:
			err = s.json.Other(s.names.override, name)
		}
		return err
	})
	if err != nil {
		return err
	}
	if off {
		s.out.warn.Add(evidence.RulesDisabled, s.json.Place(), "rule %q was switched off for this run", o.ref.id)
	}
	s.run.overrides = append(s.run.overrides, o)
	return s.run.keep(s.json, 64+len(o.ref.id))
}

// readReference reads which rule is meant (3.52).
func (s *sarifReader) readReference() (ref sarifRef, err error) {
	ref.index, ref.component = -1, 0
	err = s.json.ObjectOrNull(func(name []byte) (err error) {
		switch string(name) {
		case "id":
			ref.id, err = s.json.StringOrNull()
		case "index":
			ref.index, err = s.json.Int()
		case "toolComponent":
			inner, err := s.readReference()
			if err == nil && inner.index >= 0 {
				ref.component = inner.index + 1
			}
			return err
		default:
			err = s.json.Other(s.names.ref, name)
		}
		return err
	})
	return ref, err
}
