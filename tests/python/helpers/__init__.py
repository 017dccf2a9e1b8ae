"""What tests share: servers, clients, disks, and what must hold in the end."""
