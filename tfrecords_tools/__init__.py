"""Tools that make records: from videos, and from rendered dancers."""
