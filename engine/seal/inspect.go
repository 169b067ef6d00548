package seal

import "slices"

// MediaTypeEnvelope is that of a bare DSSE envelope.
const MediaTypeEnvelope = "application/vnd.dsse.envelope.v1+json"

// InspectAttestationUnsafe decodes an attestation as strictly as OpenAttestation but checks no signature: whoever wrote the bytes
// chose everything in them. Signatory is who it claims to be signed by; the name of a key in it is whatever its tool calls it.
// It is for finding out what an attestation is about, and for showing it.
func InspectAttestationUnsafe(text []byte) (*Attestation, error) {
	e, err := decodeAttestation(text)
	if err != nil {
		return nil, err
	}
	a, err := decodeForeignStatement(e.payload)
	if err != nil {
		return nil, err
	}
	a.Signatory, a.Digest, a.MediaType = e.signatory(), Digest(text), e.mediaType
	return a, nil
}

// IsAttestationType says whether bytes of the media type may be an attestation.
func IsAttestationType(mediaType string) bool {
	return mediaType == MediaTypeEnvelope || slices.Contains(bundleVersions, mediaType)
}
