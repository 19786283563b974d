"""Find bursts in rows with numpy alone, without threads."""
