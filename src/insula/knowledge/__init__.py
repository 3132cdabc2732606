"""Knowledge as data: rules of a user, cues of English and Chinese."""
