"""Turn rows and the observer's choices into pictures, without Textual."""
