"""Mail without a database: composing, parsing, reading text and detecting bounces."""
