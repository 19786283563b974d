"""What writes the stream elsewhere: PNG figures in a process of their own, and text figures."""
