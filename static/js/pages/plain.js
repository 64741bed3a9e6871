// Pages that have the top bar and nothing live of their own.
import { bindEmergency } from "../emergency.js";
import { start } from "../shell.js";
import { bindTopbar } from "../topbar.js";

bindTopbar();
bindEmergency();
start();
