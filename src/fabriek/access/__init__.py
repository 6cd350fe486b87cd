"""Access: who asks and who judges. Calls, applications, reviews, decisions."""
