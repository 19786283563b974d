"""Convert rows and the observer's choices to pictures, without Textual."""
