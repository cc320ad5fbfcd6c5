"""What the browser reads, and into which pane: the repositories, the tags of one, the details of one."""
